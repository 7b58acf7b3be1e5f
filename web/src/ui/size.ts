const STEPS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** "3.4 MB" */
export function formatSize(bytes: number, locale: string): string {
  const step = bytes < 1 ? 0 : Math.min(STEPS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: STEPS[step],
    maximumFractionDigits: 1,
  }).format(bytes / 1000 ** step);
}
