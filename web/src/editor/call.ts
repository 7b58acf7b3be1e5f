/** What an editor of definitions asks the server. */
import { API, api, NetworkError, ok, ProblemError, problemOf, type Schemas } from "@/api/client";

export type LintReport = Schemas["LintReport"];
export type Finding = Schemas["LintFinding"];
export type Graph = Schemas["Graph"];
export type Version = Schemas["VersionItem"];
export type Form = "yaml" | "json";

interface Place {
  project: string;
  pipeline: string;
}

/** JSON begins with a brace; everything else is read as YAML, of which JSON is a part. */
export function formOf(text: string): Form {
  return text.trimStart().startsWith("{") ? "json" : "yaml";
}

/** Definitions go as they were written: an object made of them here would have lost their lines. */
async function send<T>(
  method: "POST" | "PUT",
  path: string,
  text: string,
  more: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(API + path, {
      method,
      body: text,
      signal: more.signal,
      headers: { "Content-Type": `application/${formOf(text)}`, ...more.headers },
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new NetworkError(String(error));
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new ProblemError(problemOf(body, response));
  return body as T;
}

const of = (project: string) => `/projects/${encodeURIComponent(project)}`;

export function lint(project: string, text: string, signal?: AbortSignal): Promise<LintReport> {
  return send("POST", `${of(project)}/lint`, text, { signal });
}

export function create(project: string, text: string): Promise<Schemas["PipelineSaved"]> {
  return send("POST", `${of(project)}/pipelines`, text);
}

export function replace(
  { project, pipeline }: Place,
  text: string,
  tag: string | null,
): Promise<Schemas["PipelineSaved"]> {
  const headers = tag ? { "If-Match": tag } : undefined;
  return send("PUT", `${of(project)}/pipelines/${encodeURIComponent(pipeline)}`, text, { headers });
}

export function complete(project: string, text: string, line: number, column: number) {
  return ok(
    api.POST("/projects/{project}/completion", {
      params: { path: { project } },
      body: { text, line, column },
    }),
  );
}

/** A pipeline and its entity tag, which a change must name. */
export async function head({ project, pipeline }: Place, signal?: AbortSignal) {
  const answer = api.GET("/projects/{project}/pipelines/{pipeline}", {
    params: { path: { project, pipeline } },
    signal,
  });
  const view = (await ok(answer)) as Schemas["PipelineView"];
  return { view, tag: (await answer).response.headers.get("ETag") };
}

export async function definition(
  { project, pipeline }: Place,
  form: Form,
  version?: number,
  signal?: AbortSignal,
): Promise<string> {
  const found = await ok(
    api.GET("/projects/{project}/pipelines/{pipeline}/definition", {
      params: { path: { project, pipeline }, query: { format: form, version } },
      parseAs: "text",
      signal,
    }),
  );
  return form === "json" ? `${JSON.stringify(JSON.parse(found), null, 2)}\n` : found;
}

export function versions({ project, pipeline }: Place, signal?: AbortSignal) {
  return ok(
    api.GET("/projects/{project}/pipelines/{pipeline}/versions", {
      params: { path: { project, pipeline } },
      signal,
    }),
  );
}
