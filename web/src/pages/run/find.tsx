import { useQuery } from "@tanstack/react-query";
import { Redirect, useSearch } from "wouter";
import { api, ok } from "@/api/client";
import { keys } from "@/api/keys";
import { Loaded } from "@/ui/loaded";
import { hrefOfRun } from "./places";

/** `/runs/RUN`, as links in messages have it: leads to the run in its project. */
export default function FindRun({ params: { run } }: { params: { run: string } }) {
  const search = useSearch();
  const query = useQuery({
    queryKey: keys.run(run, "find"),
    queryFn: ({ signal }) => ok(api.GET("/runs/{run}", { params: { path: { run } }, signal })),
  });
  return (
    <Loaded query={query}>
      {(found) => (
        <Redirect to={hrefOfRun(found.project, found.id, search ? `?${search}` : "")} replace />
      )}
    </Loaded>
  );
}
