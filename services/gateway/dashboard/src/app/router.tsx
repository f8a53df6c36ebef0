import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import type { AlertStatus } from "~/api/queries/alerts";
import { agentFilter } from "~/pages/agents/filter";
import { callFilter } from "~/pages/calls/filter";
import { deliveryFilter } from "~/pages/settings/webhooks/model";
import { toolCallFilter } from "~/pages/tool-calls/model";
import { usageFilter } from "~/pages/usage/filter";
import { NotFound } from "./NotFound";
import { PageFailed } from "./PageFailed";
import { Root } from "./Root";

const rootRoute = createRootRoute({
  component: Root,
  notFoundComponent: NotFound,
  errorComponent: PageFailed,
});

const root = { getParentRoute: () => rootRoute } as const;

// Each page is a file of its own, fetched when one first goes there.
const agentRoute = createRoute({
  ...root,
  path: "/agents/$id",
  component: lazyRouteComponent(() => import("~/pages/agents/AgentDetail"), "AgentDetail"),
});
const agent = { getParentRoute: () => agentRoute } as const;

const routeTree = rootRoute.addChildren([
  createRoute({
    ...root,
    path: "/",
    component: lazyRouteComponent(() => import("~/pages/overview/Overview"), "Overview"),
  }),
  createRoute({
    ...root,
    path: "/agents",
    validateSearch: agentFilter,
    component: lazyRouteComponent(() => import("~/pages/agents/Agents"), "Agents"),
  }),
  createRoute({
    ...root,
    path: "/agents/new",
    component: lazyRouteComponent(() => import("~/pages/agents/NewAgent"), "NewAgent"),
  }),
  createRoute({
    ...root,
    path: "/agents/connect",
    component: lazyRouteComponent(() => import("~/pages/agents/ConnectAgent"), "ConnectAgent"),
  }),
  agentRoute.addChildren([
    createRoute({
      ...agent,
      path: "/",
      component: lazyRouteComponent(() => import("~/pages/agents/AgentOverview"), "AgentOverview"),
    }),
    createRoute({
      ...agent,
      path: "/chat",
      validateSearch: ({ thread }): { thread?: string } =>
        typeof thread === "string" ? { thread } : {},
      component: lazyRouteComponent(() => import("~/pages/agents/AgentChat"), "AgentChat"),
    }),
    createRoute({
      ...agent,
      path: "/connection",
      component: lazyRouteComponent(
        () => import("~/pages/agents/AgentConnection"),
        "AgentConnection",
      ),
    }),
    createRoute({
      ...agent,
      path: "/log",
      component: lazyRouteComponent(() => import("~/pages/agents/AgentLog"), "AgentLog"),
    }),
  ]),
  createRoute({
    ...root,
    path: "/agent-types",
    component: lazyRouteComponent(() => import("~/pages/agent-types/AgentTypes"), "AgentTypes"),
  }),
  createRoute({
    ...root,
    path: "/agent-types/new",
    validateSearch: ({ runtime }): { runtime?: "external" } =>
      runtime === "external" ? { runtime } : {},
    component: lazyRouteComponent(() => import("~/pages/agent-types/NewAgentType"), "NewAgentType"),
  }),
  createRoute({
    ...root,
    path: "/agent-types/$id",
    component: lazyRouteComponent(
      () => import("~/pages/agent-types/AgentTypeDetail"),
      "AgentTypeDetail",
    ),
  }),
  createRoute({
    ...root,
    path: "/calls",
    validateSearch: callFilter,
    component: lazyRouteComponent(() => import("~/pages/calls/Calls"), "Calls"),
  }),
  createRoute({
    ...root,
    path: "/calls/$id",
    component: lazyRouteComponent(() => import("~/pages/calls/CallDetail"), "CallDetail"),
  }),
  createRoute({
    ...root,
    path: "/calls/tools",
    validateSearch: toolCallFilter,
    component: lazyRouteComponent(() => import("~/pages/tool-calls/ToolCalls"), "ToolCalls"),
  }),
  createRoute({
    ...root,
    path: "/calls/tools/$id",
    component: lazyRouteComponent(
      () => import("~/pages/tool-calls/ToolCallDetail"),
      "ToolCallDetail",
    ),
  }),
  createRoute({
    ...root,
    path: "/usage",
    validateSearch: usageFilter,
    component: lazyRouteComponent(() => import("~/pages/usage/Usage"), "Usage"),
  }),
  createRoute({
    ...root,
    path: "/alerts",
    validateSearch: ({ status }): { status?: AlertStatus } =>
      status === "open" || status === "resolved" ? { status } : {},
    component: lazyRouteComponent(() => import("~/pages/alerts/Alerts"), "Alerts"),
  }),
  createRoute({
    ...root,
    path: "/system",
    component: lazyRouteComponent(() => import("~/pages/system/System"), "System"),
  }),
  createRoute({
    ...root,
    path: "/system/jobs/$id",
    component: lazyRouteComponent(() => import("~/pages/jobs/JobDetail"), "JobDetail"),
  }),
  createRoute({
    ...root,
    path: "/settings/api-keys",
    component: lazyRouteComponent(() => import("~/pages/settings/ApiKeys"), "ApiKeys"),
  }),
  createRoute({ ...root, path: "/welcome" }),
  createRoute({
    ...root,
    path: "/settings/prices",
    component: lazyRouteComponent(() => import("~/pages/settings/prices/Prices"), "Prices"),
  }),
  createRoute({
    ...root,
    path: "/settings/people",
    component: lazyRouteComponent(() => import("~/pages/settings/People"), "People"),
  }),
  createRoute({
    ...root,
    path: "/settings/audit",
    component: lazyRouteComponent(() => import("~/pages/settings/audit/Audit"), "Audit"),
  }),
  createRoute({
    ...root,
    path: "/settings/master-key",
    component: lazyRouteComponent(() => import("~/pages/settings/MasterKeyPage"), "MasterKeyPage"),
  }),
  createRoute({
    ...root,
    path: "/settings",
    beforeLoad: () => {
      throw redirect({ to: "/settings/providers" });
    },
  }),
  createRoute({
    ...root,
    path: "/settings/providers",
    component: lazyRouteComponent(
      () => import("~/pages/settings/providers/Providers"),
      "Providers",
    ),
  }),
  createRoute({
    ...root,
    path: "/settings/providers/new",
    component: lazyRouteComponent(
      () => import("~/pages/settings/providers/AddProvider"),
      "AddProvider",
    ),
  }),
  createRoute({
    ...root,
    path: "/settings/providers/$id",
    validateSearch: ({ act }): { act?: "replace" } => (act === "replace" ? { act } : {}),
    component: lazyRouteComponent(
      () => import("~/pages/settings/providers/ProviderDetail"),
      "ProviderDetail",
    ),
  }),
  createRoute({
    ...root,
    path: "/settings/mcp-servers",
    component: lazyRouteComponent(
      () => import("~/pages/settings/mcp-servers/McpServers"),
      "McpServers",
    ),
  }),
  createRoute({
    ...root,
    path: "/settings/mcp-servers/$id",
    component: lazyRouteComponent(
      () => import("~/pages/settings/mcp-servers/McpServerDetail"),
      "McpServerDetail",
    ),
  }),
  createRoute({
    ...root,
    path: "/settings/webhooks",
    component: lazyRouteComponent(() => import("~/pages/settings/webhooks/Webhooks"), "Webhooks"),
  }),
  createRoute({
    ...root,
    path: "/settings/webhooks/$id",
    validateSearch: deliveryFilter,
    component: lazyRouteComponent(
      () => import("~/pages/settings/webhooks/WebhookDetail"),
      "WebhookDetail",
    ),
  }),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
