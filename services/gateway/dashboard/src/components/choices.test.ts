import { expect, test } from "vitest";
import { withChosen } from "./choices";

const CHOICES = [{ id: "a", name: "A" }];

test("what is chosen is a choice, also where it is not listed", () => {
  expect(withChosen(CHOICES, "gone", "One that is gone")).toEqual([
    { id: "gone", name: "One that is gone" },
    { id: "a", name: "A" },
  ]);
});

test.each(["a", ""])("nothing is added for %j", (chosen) => {
  expect(withChosen(CHOICES, chosen, "One that is gone")).toEqual(CHOICES);
});
