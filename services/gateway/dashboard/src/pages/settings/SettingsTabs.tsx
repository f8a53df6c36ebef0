import { Tabs } from "~/components/Tabs";

export function SettingsTabs() {
  return (
    <Tabs
      label="Settings"
      tabs={[
        { to: "/settings/providers", name: "Providers" },
        { to: "/settings/mcp-servers", name: "MCP servers" },
        { to: "/settings/webhooks", name: "Webhooks" },
        { to: "/settings/prices", name: "Prices" },
        { to: "/settings/api-keys", name: "API keys" },
        { to: "/settings/people", name: "People" },
        { to: "/settings/audit", name: "Audit" },
        { to: "/settings/master-key", name: "Master key" },
      ]}
    />
  );
}
