import { Check } from "lucide-react";
import { ButtonLink } from "~/components/ButtonLink";
import { Panel } from "~/components/Panel";
import type { Step } from "./model";
import styles from "./Overview.module.css";

/** What to do first on a fresh installation; what is done is ticked. */
export function FirstSteps({ steps }: { steps: Step[] }) {
  const next = steps.findIndex((step) => !step.isDone);
  return (
    <Panel title="Three steps to a first answer">
      <ol className={styles.steps}>
        {steps.map((step, at) => (
          <li key={step.name} className={styles.step}>
            <span className={styles.mark} data-done={step.isDone || undefined}>
              {step.isDone ? <Check size={16} aria-label="Done" /> : at + 1}
            </span>
            <div className={styles.words}>
              <strong>{step.name}</strong>
              <p className={styles.why}>{step.why}</p>
            </div>
            {!step.isDone && (
              <ButtonLink kind={at === next ? "primary" : "plain"} to={step.to}>
                {step.act}
              </ButtonLink>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
