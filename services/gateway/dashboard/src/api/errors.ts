import type { Explained } from "~/components/ExplanationNotice";

/** What the gateway answers when it refuses. */
export interface ErrorBody {
  error: string;
  error_code: string;
  details?: {
    fields?: { field: string; message: string }[];
    explanation?: Explained;
    [fact: string]: unknown;
  };
  request_id?: string;
}

/** A refusal or failure of the API: a stable code and one sentence. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: NonNullable<ErrorBody["details"]> = {},
    readonly requestId: string | null = null,
  ) {
    super(message);
  }

  /** Whether asking again could help, without anybody changing anything. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** The server's words for each field of a form. */
  get fields(): Record<string, string> {
    const told = this.details.fields ?? [];
    return Object.fromEntries(told.map(({ field, message }) => [field, message]));
  }
}

/** Read a refusal's body; whatever is not ours is told by its status alone. */
export function refused(response: Response, body: unknown): ApiError {
  const requestId = response.headers.get("X-Request-Id");
  if (!isErrorBody(body)) {
    return new ApiError(response.status, "UNREADABLE", said(response.status), {}, requestId);
  }
  return new ApiError(
    response.status,
    body.error_code,
    body.error,
    body.details,
    body.request_id ?? requestId,
  );
}

/** The gateway could not be reached at all. */
export function unreachable(): ApiError {
  return new ApiError(0, "UNREACHABLE", "The gateway cannot be reached; is it running?");
}

/** Any failure in the shape that pages show. */
export function explained(failure: unknown): Explained {
  if (!(failure instanceof ApiError)) {
    return { code: "DASHBOARD_ERROR", message: "This part of the dashboard failed." };
  }
  const { code, message, requestId, details } = failure;
  return { code, message, requestId, ...details.explanation };
}

/** The server's words for each field of a form, by the field's name. */
export function fieldsOf(failure: unknown): Record<string, string> {
  return failure instanceof ApiError ? failure.fields : {};
}

/** Whether a change was refused because somebody else had made one since it was read. */
export function isConflict(failure: unknown): boolean {
  return failure instanceof ApiError && failure.status === 412;
}

function isErrorBody(body: unknown): body is ErrorBody {
  return (
    typeof body === "object" &&
    body !== null &&
    "error" in body &&
    typeof body.error === "string" &&
    "error_code" in body &&
    typeof body.error_code === "string"
  );
}

function said(status: number): string {
  return `The gateway answered ${status} without saying why.`;
}
