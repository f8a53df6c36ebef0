import { describe, expect, test } from "vitest";
import type { Model, Task } from "~/api/queries/models";
import { choicesFor, contextOf } from "./picking";

function model(id: string, changes: Partial<Model> = {}): Model {
  return {
    id,
    name: id,
    status: "current",
    retires_on: null,
    replaced_by: null,
    ...changes,
  } as Model;
}

const TASK = { id: "general_purpose", models: ["second", "first"] } as unknown as Task;

describe("the models to choose among", () => {
  const models = [
    model("ended", { status: "retired", retires_on: "2026-06-01", replaced_by: "first" }),
    model("leaving", { status: "legacy" }),
    model("other"),
    model("first"),
    model("second"),
  ];

  test("begin with those for the task, in its order, and end with what has ended", () => {
    const ids = choicesFor(models, TASK, "").map((choice) => choice.model.id);

    expect(ids).toEqual(["second", "first", "other", "leaving", "ended"]);
  });
  test("stay visible when they have ended, with the reason and what to take", () => {
    const ended = choicesFor(models, TASK, "").at(-1);

    expect(ended?.barred).toBe("Retired on 2026-06-01; use first");
  });
  test("are found by words in any case", () => {
    expect(choicesFor(models, undefined, "FIRST ").map((choice) => choice.model.id)).toEqual([
      "first",
    ]);
  });
});

test("a context nobody knows is not 0", () => {
  expect(contextOf(model("m", { context_window: 128_000 }))).toBe("128K");
  expect(contextOf(model("m", { context_window: null }))).toBe("–");
});
