import { useState } from "react";
import type { AgentRuntime, AgentType, CredentialDelivery } from "~/api/queries/agentTypes";
import { Choices, type ChoiceTold } from "~/components/Choices";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { labelsTold } from "./model";

interface WhereItRunsProps {
  type: AgentType | null;
  runtime: AgentRuntime | undefined;
  errors: Record<string, string>;
}

/** What its agents run in, on which runners, and how they come by a key. */
export function WhereItRuns({ type, runtime, errors }: WhereItRunsProps) {
  const [chosen, setChosen] = useState<string>(type?.runtime ?? runtime ?? "");
  const [delivery, setDelivery] = useState<CredentialDelivery>(
    type?.credential_delivery ?? "sealed",
  );
  const isExternal = chosen === "external";
  return (
    <Form.Fields>
      <Choices
        label="Runtime"
        name="runtime"
        choices={RUNTIMES}
        value={chosen}
        onChange={setChosen}
        error={errors.runtime}
      />
      <Choices
        label="Credential delivery"
        name="credential_delivery"
        choices={deliveries(isExternal)}
        value={isExternal ? "sealed" : delivery}
        onChange={(value) => setDelivery(value as CredentialDelivery)}
        error={errors.credential_delivery}
      />
      {(chosen === "" || chosen === "docker") && (
        <TextField
          label="Image"
          name="image"
          isOptional
          spellCheck={false}
          placeholder="registry.example/agent:1.4"
          defaultValue={type?.image ?? undefined}
          help="Of your own agent, for containers; the built-in agent if empty."
          error={errors.image}
        />
      )}
      {!isExternal && (
        <>
          <TextField
            label="Runner labels"
            name="runner_labels"
            isOptional
            spellCheck={false}
            placeholder="zone=eu, gpu=a100"
            defaultValue={labelsTold(type?.runner_labels ?? {})}
            help="Only runners that have all of these host its agents."
            error={errors.runner_labels}
          />
          <Form.Pair>
            <TextField
              label="Memory"
              name="memory_mb"
              type="number"
              min={1}
              isOptional
              defaultValue={type?.resources.memory_mb}
              help="In MB, for each agent."
              error={errors["resources.memory_mb"]}
            />
            <TextField
              label="Processors"
              name="cpus"
              type="number"
              min={0.1}
              step={0.1}
              isOptional
              defaultValue={type?.resources.cpus}
              help="For each agent; parts are allowed."
              error={errors["resources.cpus"]}
            />
          </Form.Pair>
          <TextField
            label="Processes"
            name="pids"
            type="number"
            min={1}
            isOptional
            defaultValue={type?.resources.pids}
            help="At most, with threads, in each agent."
            error={errors["resources.pids"]}
          />
        </>
      )}
    </Form.Fields>
  );
}

const RUNTIMES: ChoiceTold[] = [
  { value: "", name: "As its runner does", hint: "Containers where there is Docker." },
  { value: "docker", name: "Container", hint: "Isolated: no network but its proxy." },
  {
    value: "process",
    name: "Process",
    hint: "For a first try: nothing is isolated.",
  },
  {
    value: "external",
    name: "Elsewhere",
    hint: "A program of yours, anywhere, with a token of its own.",
  },
];

function deliveries(isExternal: boolean): ChoiceTold[] {
  return [
    {
      value: "sealed",
      name: "Sealed (recommended)",
      hint: "The key stays in the proxy. No call can go around its limits.",
    },
    {
      value: "environment",
      name: "Environment",
      hint: "The agent holds the key in memory while it runs, and could use it elsewhere.",
      barred: isExternal ? "A program that runs elsewhere never gets the key." : undefined,
    },
  ];
}
