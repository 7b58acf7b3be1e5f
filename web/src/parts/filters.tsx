/** The fields above a list that narrow it; their values are in the address. */
import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { Select, TextInput } from "@/ui/field";

const PAUSE_MS = 250; // after the last key, before the server is asked

export function SearchField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => setTyped(value), [value]); // also when the filters are cleared
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => latest.current(typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return (
    <div className="relative min-w-48 grow sm:max-w-72">
      <Search aria-hidden size={16} className="absolute top-2.5 left-2.5 text-muted" />
      <TextInput
        data-filter
        type="search"
        aria-label={label}
        placeholder={label}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="pl-8"
      />
    </div>
  );
}

const STATUSES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;

export function StatusField({
  label,
  all,
  value,
  onChange,
}: {
  label: string;
  all: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const c = useText(common);
  return (
    <Select
      aria-label={label}
      className="w-auto! min-w-36"
      value={value}
      options={[
        { value: "", text: all },
        ...STATUSES.map((status) => ({ value: status, text: c(`state.${status}`) })),
      ]}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
