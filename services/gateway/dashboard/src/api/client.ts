import createClient, { type Middleware } from "openapi-fetch";
import { csrfHeaders } from "./csrf";
import { refused, unreachable } from "./errors";
import type { components, paths } from "./schema.gen";

export type Schemas = components["schemas"];

/** The gateway's HTTP API, typed by its own OpenAPI document. */
export const api = createClient<paths>({ baseUrl: window.location.origin });

const ours: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(csrfHeaders())) request.headers.set(name, value);
  },
  onError: () => unreachable(),
};
api.use(ours);

/** The body of an answer; a refusal is thrown as an `ApiError`. */
export async function answered<Answer>(
  asked: Promise<{ data?: Answer; error?: unknown; response: Response }>,
): Promise<Answer> {
  const { data, error, response } = await asked;
  if (!response.ok) throw refused(response, error);
  return data as Answer;
}

/** The field that lets a change pass only if nobody else has made one since that version. */
export function ifStill(version: number) {
  return { "If-Match": `"${version}"` };
}
