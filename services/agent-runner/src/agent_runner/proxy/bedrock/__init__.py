"""The wire format of Bedrock's runtime."""
