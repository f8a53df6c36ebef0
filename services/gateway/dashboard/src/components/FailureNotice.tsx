import { explained } from "~/api/errors";
import { ExplanationNotice } from "./ExplanationNotice";

/** Why the API did not do what it was asked, if it did not. */
export function FailureNotice({ failure }: { failure: unknown }) {
  return failure ? <ExplanationNotice explanation={explained(failure)} /> : null;
}
