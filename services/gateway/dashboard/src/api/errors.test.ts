import { describe, expect, test } from "vitest";
import { ApiError, explained, refused, unreachable } from "./errors";

const taken = {
  error: "A provider of this name exists.",
  error_code: "NAME_TAKEN",
  details: { fields: [{ field: "name", message: "is taken" }] },
  request_id: "r-1",
};

describe("a refusal", () => {
  test("keeps the code, the sentence and the request", () => {
    const failure = refused(new Response(null, { status: 409 }), taken);

    expect(failure).toMatchObject({ status: 409, code: "NAME_TAKEN", requestId: "r-1" });
    expect(failure.message).toBe("A provider of this name exists.");
  });
  test("puts its words beside the fields", () => {
    expect(refused(new Response(null, { status: 422 }), taken).fields).toEqual({
      name: "is taken",
    });
  });
  test.each([null, "<html>", { error: 3 }, []])(
    "that is not ours (%j) is told by status",
    (body) => {
      const failure = refused(new Response(null, { status: 502 }), body);

      expect(failure.code).toBe("UNREADABLE");
      expect(failure.isPassing).toBe(true);
    },
  );
});

test("only what may pass by itself is worth asking again", () => {
  expect(unreachable().isPassing).toBe(true);
  expect(new ApiError(429, "RATE_LIMITED", "").isPassing).toBe(true);
  expect(new ApiError(404, "AGENT_NOT_FOUND", "").isPassing).toBe(false);
});

test("a failure of the dashboard itself shows none of its insides", () => {
  expect(explained(new TypeError("secret"))).toEqual({
    code: "DASHBOARD_ERROR",
    message: "This part of the dashboard failed.",
  });
});
