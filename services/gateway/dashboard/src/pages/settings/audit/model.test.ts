import { expect, test } from "vitest";
import type { AuditFinding } from "~/api/queries/administration";
import { sentence } from "./model";

const EDITED: AuditFinding = {
  flaw: "edited",
  position: 4,
  through: null,
  entry_id: null,
  moved_from: null,
  kept_at: null,
};

test("a flaw is told with its entry", () => {
  expect(sentence(EDITED)).toBe("Entry 4 was edited after it was written.");
});

test("entries that are missing together are told together", () => {
  expect(sentence({ ...EDITED, flaw: "removed", through: 6 })).toBe("Entries 4 to 6 are missing.");
});

test("a moved entry is told with where it was written", () => {
  expect(sentence({ ...EDITED, flaw: "moved", moved_from: 5 })).toBe(
    "Entry 4 was moved here from place 5.",
  );
});

test("a cut end is told with the head that knows of it", () => {
  expect(sentence({ ...EDITED, flaw: "truncated", kept_at: "2026-11-22T13:05:09Z" })).toMatch(
    /^Entry 4 and all after it are missing, as a head kept on 22 Nov 2026, .* shows\.$/,
  );
});
