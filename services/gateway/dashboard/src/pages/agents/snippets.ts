import type { BaseUrls } from "~/api/queries/agents";
import type { ProviderType } from "~/api/queries/providers";

export interface Snippet {
  name: string;
  text: string;
}

interface Connection {
  baseUrls: BaseUrls;
  /** The agent's token, or a word that stands in for it once it is not shown any more. */
  token: string;
  model: string;
  providerType: ProviderType;
}

/** How a program of each kind is pointed at the proxy; it needs no change of its own. */
export function snippetsFor(connection: Connection): Snippet[] {
  return [
    { name: "Shell", text: variables(connection) },
    ...PROGRAMS[connection.providerType](connection),
  ];
}

function variables({ baseUrls, token, providerType }: Connection): string {
  switch (providerType) {
    case "openai":
      return `export OPENAI_BASE_URL="${baseUrls.openai}"\nexport OPENAI_API_KEY="${token}"`;
    case "anthropic":
      return `export ANTHROPIC_BASE_URL="${baseUrls.anthropic}"\nexport ANTHROPIC_API_KEY="${token}"`;
    case "bedrock":
      return [
        `export AWS_ENDPOINT_URL_BEDROCK_RUNTIME="${baseUrls.bedrock}"`,
        'export AWS_DEFAULT_REGION="us-east-1"',
        `export AWS_ACCESS_KEY_ID="${token}" AWS_SECRET_ACCESS_KEY="${token}"`,
      ].join("\n");
  }
}

const PROGRAMS: Record<ProviderType, (connection: Connection) => Snippet[]> = {
  openai: ({ baseUrls, token, model }) => [
    {
      name: "curl",
      text: curl(`${baseUrls.openai}/chat/completions`, [`Authorization: Bearer ${token}`], {
        model,
        messages: HELLO,
      }),
    },
    {
      name: "Python",
      text: `from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY
answer = client.chat.completions.create(
    model="${model}", messages=[{"role": "user", "content": "Hello!"}]
)
print(answer.choices[0].message.content)`,
    },
    {
      name: "Node",
      text: `import OpenAI from "openai";

const client = new OpenAI(); // reads OPENAI_BASE_URL and OPENAI_API_KEY
const answer = await client.chat.completions.create({
  model: "${model}",
  messages: [{ role: "user", content: "Hello!" }],
});
console.log(answer.choices[0].message.content);`,
    },
  ],
  anthropic: ({ baseUrls, token, model }) => [
    {
      name: "curl",
      text: curl(
        `${baseUrls.anthropic}/v1/messages`,
        [`x-api-key: ${token}`, "anthropic-version: 2023-06-01"],
        { model, max_tokens: 99, messages: HELLO },
      ),
    },
    {
      name: "Python",
      text: `from anthropic import Anthropic

client = Anthropic()  # reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY
said = client.messages.create(
    model="${model}", max_tokens=99, messages=[{"role": "user", "content": "Hello!"}]
)
print(said.content[0].text)`,
    },
    {
      name: "Node",
      text: `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic(); // reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY
const said = await client.messages.create({
  model: "${model}",
  max_tokens: 99,
  messages: [{ role: "user", content: "Hello!" }],
});
console.log(said.content[0].text);`,
    },
  ],
  bedrock: ({ model }) => [
    {
      name: "AWS CLI",
      text: `aws bedrock-runtime converse --model-id ${model} \\
  --messages '[{"role": "user", "content": [{"text": "Hello!"}]}]'`,
    },
    {
      name: "Python",
      text: `import boto3

client = boto3.client("bedrock-runtime")  # reads the variables above
answer = client.converse(
    modelId="${model}", messages=[{"role": "user", "content": [{"text": "Hello!"}]}]
)
print(answer["output"]["message"]["content"][0]["text"])`,
    },
  ],
};

const HELLO = [{ role: "user", content: "Hello!" }];

function curl(url: string, headers: string[], body: object): string {
  return [
    `curl --silent "${url}" \\`,
    ...headers.map((header) => `  --header "${header}" \\`),
    '  --header "Content-Type: application/json" \\',
    `  --data '${JSON.stringify(body)}'`,
  ].join("\n");
}
