import type { AuditFinding } from "~/api/queries/administration";
import { absolute } from "~/format/time";

const WORDS: Record<AuditFinding["flaw"], string> = {
  edited: "was edited after it was written",
  moved: "was moved here",
  removed: "is missing",
  replaced: "is not the one that the next entry followed",
  rewritten: "is not the one whose hash was kept",
  truncated: "and all after it are missing",
};

/** A flaw as a sentence: `Entry 4 was edited after it was written.` */
export function sentence({ flaw, position, through, moved_from, kept_at }: AuditFinding): string {
  const which =
    through == null
      ? `Entry ${position} ${WORDS[flaw]}`
      : `Entries ${position} to ${through} are missing`;
  const from = moved_from == null ? "" : ` from place ${moved_from}`;
  const known = kept_at == null ? "" : `, as a head kept on ${absolute(kept_at)} shows`;
  return `${which}${from}${known}.`;
}
