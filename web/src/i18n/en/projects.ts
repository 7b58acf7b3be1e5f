export const en = {
  title: "Projects",
  filter: "Filter by name",
  empty: "No project yet",
  "empty.hint": "A server admin makes projects. You see those that you are a member of.",
  "empty.filter": "No project has that in its name",
} as const;
