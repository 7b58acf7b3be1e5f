"""Which IP addresses are those of the open internet. Standard library only: programs use it too."""

import ipaddress

# Public by their numbers, for the library at least, yet not of the open internet.
_OTHERS = (
    ipaddress.ip_network("168.63.129.16/32"),  # the platform below virtual machines of Azure
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments: metadata of Oracle's cloud
    ipaddress.ip_network("64:ff9b:1::/48"),  # translation to IPv4 within one network
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Tell whether an IP address, as numbers, is one of the open internet.

    Loopback, link-local, private, shared, multicast, reserved and unspecified addresses are not,
    which covers the metadata services of clouds; nor are IPv6 forms of such IPv4 addresses.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        address = _embedded(address) or address
    if any(address in network for network in _OTHERS):
        return False
    return address.is_global and not address.is_multicast


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address to which an IPv6 address leads."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
