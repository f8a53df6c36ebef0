import type { AgentType } from "~/api/queries/agentTypes";
import { CheckGroup } from "~/components/CheckGroup";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { httpRequestOf } from "./model";

interface ToolFieldsProps {
  tools: AgentType["tools"];
  errors: Record<string, string>;
}

const TOOLS = [
  { value: "current_time", name: "Tell the time" },
  { value: "http_request", name: "Send HTTP requests" },
];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map((method) => ({
  value: method,
  name: method,
}));

/** What the model may have the runner do. What the form does not ask for is kept. */
export function ToolFields({ tools, errors }: ToolFieldsProps) {
  const http = httpRequestOf(tools);
  return (
    <Form.Fields>
      <CheckGroup
        label="Tools"
        name="tools"
        choices={TOOLS}
        chosen={tools.map(({ name }) => name)}
        help="The runner runs them, within the limits of the type. External agents have none."
        error={told(errors, /^tools(\.\d+)?$/)}
      />
      <TextField
        label="Hosts that HTTP requests may go to"
        name="http_hosts"
        isOptional
        spellCheck={false}
        placeholder="api.example.com, *.example.com, example.com:8443"
        defaultValue={http?.hosts?.join(", ")}
        help="Empty: any, which takes sealed delivery. Never a provider's host or, unless the runner's settings say so, a private network."
        error={told(errors, /^tools\.\d+\.hosts/)}
      />
      <CheckGroup
        label="Methods that HTTP requests may use"
        name="http_methods"
        choices={METHODS}
        chosen={http?.methods ?? ["GET"]}
        help="None chosen: GET alone."
        error={told(errors, /^tools\.\d+\.methods/)}
      />
      <input type="hidden" name="http_request" value={JSON.stringify(http ?? {})} />
    </Form.Fields>
  );
}

function told(errors: Record<string, string>, field: RegExp): string | undefined {
  return Object.entries(errors).find(([name]) => field.test(name))?.[1];
}
