import type { Schemas } from "~/api/client";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { Notice } from "~/components/Notice";
import { duration } from "~/format/duration";

/** What a test of a provider brought: how fast it answered, or why it did not. */
export function TestResult({ result }: { result: Schemas["ProbeResult"] }) {
  if (result.explanation) return <ExplanationNotice explanation={result.explanation} />;
  return (
    <Notice tone="ok">
      <p>The provider answered in {duration(result.latency_ms)}.</p>
    </Notice>
  );
}
