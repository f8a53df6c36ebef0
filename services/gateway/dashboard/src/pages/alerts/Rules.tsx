import { useMutation, useQuery } from "@tanstack/react-query";
import { useMay } from "~/api/permissions";
import { type AlertRule, alertRulesQuery, updateAlertRule } from "~/api/queries/alerts";
import { FailureNotice } from "~/components/FailureNotice";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import styles from "./Alerts.module.css";
import { RULE_NAMES } from "./model";

/** What is watched for; each rule can be switched off, none needs tuning. */
export function Rules() {
  const query = useQuery(alertRulesQuery());
  const { mutate, error, isPending } = useMutation(updateAlertRule);
  const isAllowed = useMay("alerts:write");
  return (
    <Panel title="Rules" note="when an alert opens" isFlush>
      <Loaded query={query} what="rules">
        {({ data }) => (
          <ul>
            {data.map((rule) => (
              <Rule
                key={rule.name}
                rule={rule}
                isFixed={!isAllowed || isPending}
                onSwitch={(enabled) => mutate({ name: rule.name, enabled })}
              />
            ))}
          </ul>
        )}
      </Loaded>
      <FailureNotice failure={error} />
    </Panel>
  );
}

interface RuleProps {
  rule: AlertRule;
  isFixed: boolean;
  onSwitch: (enabled: boolean) => void;
}

function Rule({ rule, isFixed, onSwitch }: RuleProps) {
  return (
    <li>
      <label className={styles.rule}>
        <input
          type="checkbox"
          checked={rule.enabled}
          disabled={isFixed}
          onChange={(event) => onSwitch(event.target.checked)}
        />
        <span>
          <strong>{RULE_NAMES[rule.name]}</strong>
          <span className={styles.description}>{rule.description}</span>
        </span>
      </label>
    </li>
  );
}
