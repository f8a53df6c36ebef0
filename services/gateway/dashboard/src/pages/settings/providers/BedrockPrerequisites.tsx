import styles from "./prose.module.css";

/** What has to be true in AWS before Bedrock answers. */
export function BedrockPrerequisites() {
  return (
    <details className={styles.details}>
      <summary>What AWS must have before Bedrock answers</summary>
      <ol className={styles.steps}>
        <li>An AWS account with Amazon Bedrock in the region you choose.</li>
        <li>
          Access to the models: most are open at once; Anthropic's ask for a use case, once for each
          account, in the Bedrock console under Model access.
        </li>
        <li>
          An IAM user or role with the policy that this provider's page writes for you once agent
          types use it: <code>bedrock:InvokeModel</code> and its streaming form, on these models
          only.
        </li>
        <li>
          A model that is offered through an inference profile needs the profile's id (it begins
          with
          <code>us.</code>, <code>eu.</code>, <code>apac.</code> or <code>global.</code>) and the
          model in every region that the profile may use.
        </li>
      </ol>
    </details>
  );
}
