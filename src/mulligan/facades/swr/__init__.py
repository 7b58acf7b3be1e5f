"""The SWR / ContainerOps dialect: `/v3/manage` and `/v2/manage`."""
