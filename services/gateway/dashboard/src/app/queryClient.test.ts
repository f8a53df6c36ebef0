import { expect, test } from "vitest";
import { ApiError } from "~/api/errors";
import { ME } from "~/api/me";
import { queryClient } from "./queryClient";

const ask = (error: ApiError) =>
  queryClient.fetchQuery({ queryKey: ["calls"], queryFn: () => Promise.reject(error) });

test("a session that has ended is noticed by whatever is asked next", async () => {
  queryClient.setQueryData(ME, { name: "Ada" });

  await expect(ask(new ApiError(403, "FORBIDDEN", ""))).rejects.toThrow();
  const whileForbidden = queryClient.getQueryState(ME)?.isInvalidated;
  await expect(ask(new ApiError(401, "INVALID_API_KEY", ""))).rejects.toThrow();

  expect(whileForbidden).toBe(false);
  expect(queryClient.getQueryState(ME)?.isInvalidated).toBe(true);
});
