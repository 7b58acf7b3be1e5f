export const en = {
  title: "Pipelines",
  "column.name": "Name",
  "column.changed": "Changed",
  filter: "Filter by name",
  empty: "No pipeline yet",
  "empty.hint": "Make the first one from a pipeline file: {command}",
  "empty.filter": "No pipeline has that in its name",
} as const;
