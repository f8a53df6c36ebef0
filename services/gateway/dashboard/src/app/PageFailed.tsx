import { explained } from "~/api/errors";
import { Button } from "~/components/Button";
import { ExplanationNotice } from "~/components/ExplanationNotice";

/** A page that could not be shown; the frame around it stays. */
export function PageFailed({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <ExplanationNotice
      explanation={explained(error)}
      action={<Button onClick={reset}>Try again</Button>}
    />
  );
}
