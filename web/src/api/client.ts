/** The own API. Every call goes through here; its types are made from the server's description. */
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

/** Where the page lives: "/" or what a proxy puts before it, always with a slash at the end. */
export const BASE = new URL(document.baseURI).pathname.replace(/[^/]*$/, "");
export const API = new URL(`${BASE}api/v1`, location.origin).href;

/** fetch is looked up at each call, so that tests may replace it. */
export const api = createClient<paths, "application/json">({
  baseUrl: API,
  fetch: (request: Request) => globalThis.fetch(request),
});

/** What the server refused, as an error (RFC 9457). */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }

  get status(): number {
    return this.problem.status;
  }

  get code(): string {
    return this.problem.code;
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ProblemError && error.status === 404;
}

/** The server could not be reached at all. */
export class NetworkError extends Error {}

const AWAY = new Set([502, 503, 504]);

/** The same call may well be answered in a moment: the server, or the way to it, is gone for now. */
export function isAway(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof ProblemError && AWAY.has(error.status));
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Give what a call answers; raise a `ProblemError` or `NetworkError` otherwise. */
export async function ok<T>(call: Promise<Answer<T>>): Promise<NonNullable<T>> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new NetworkError(String(error));
  }
  if (!answer.response.ok) throw new ProblemError(problemOf(answer.error, answer.response));
  return answer.data as NonNullable<T>;
}

export function problemOf(body: unknown, response: Response): Problem {
  if (typeof body === "object" && body !== null && "detail" in body) return body as Problem;
  const { status, statusText } = response;
  return { type: "about:blank", title: statusText, status, detail: statusText, code: "http" };
}
