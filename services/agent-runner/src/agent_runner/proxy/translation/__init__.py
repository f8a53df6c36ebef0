"""Chat completions of OpenAI, asked of Anthropic's Messages or Bedrock's Converse."""
