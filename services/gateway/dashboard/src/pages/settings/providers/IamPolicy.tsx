import { useQuery } from "@tanstack/react-query";
import { iamPolicyQuery } from "~/api/queries/providers";
import { CopyText } from "~/components/CopyText";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";

/** The least that AWS must allow for the models that agent types use here. */
export function IamPolicy({ id }: { id: string }) {
  const query = useQuery(iamPolicyQuery(id));
  return (
    <Panel title="IAM policy" note="for the models in use">
      <Loaded query={query} what="IAM policy">
        {(policy) => (
          <CopyText label="the IAM policy" text={JSON.stringify(policy.policy, null, 2)} />
        )}
      </Loaded>
    </Panel>
  );
}
