import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { Allowed } from "~/api/permissions";
import { deleteMcpServer, type McpServer, mcpServerQuery } from "~/api/queries/mcpServers";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { Facts } from "~/components/Facts";
import { FailureNotice } from "~/components/FailureNotice";
import { LoadedPage } from "~/components/LoadedPage";
import { Menu } from "~/components/Menu";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";
import { tokenTold } from "./McpServers";
import { ReplaceToken } from "./ReplaceToken";
import { Tools } from "./Tools";

/** One MCP server: what it offers, and what of that agents may have. */
export function McpServerDetail() {
  const { id } = useParams({ from: "/settings/mcp-servers/$id" });
  const query = useQuery(mcpServerQuery(id));
  return (
    <LoadedPage
      query={query}
      what="MCP server"
      all={{ to: "/settings/mcp-servers", name: "All MCP servers" }}
    >
      {(server) => <Detail server={server} />}
    </LoadedPage>
  );
}

function Detail({ server }: { server: McpServer }) {
  const [isReplacing, setIsReplacing] = useState(false);
  const [isDeleting, setIsDeleting] = useState(false);
  return (
    <>
      <PageHeader
        title={server.name}
        action={
          <Allowed to="mcp-servers:write">
            <Menu
              label={`More for ${server.name}`}
              items={[
                { name: "Replace token", onSelect: () => setIsReplacing(true) },
                { name: "Delete MCP server", onSelect: () => setIsDeleting(true) },
              ]}
            />
          </Allowed>
        }
      />
      <Panel title="Configuration">
        <Facts
          facts={[
            ["URL", <code key="url">{server.url}</code>],
            ["Token", tokenTold(server)],
            ["Changed", <Time key="changed" at={server.updated_at} />],
          ]}
        />
      </Panel>
      <Tools serverId={server.id} />
      {isReplacing && <ReplaceToken server={server} onClose={() => setIsReplacing(false)} />}
      <DeleteMcpServer server={server} isOpen={isDeleting} onClose={() => setIsDeleting(false)} />
    </>
  );
}

interface DeleteMcpServerProps {
  server: McpServer;
  isOpen: boolean;
  onClose: () => void;
}

function DeleteMcpServer({ server, isOpen, onClose }: DeleteMcpServerProps) {
  const { mutate, error, isPending } = useMutation(deleteMcpServer);
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      title={`Delete ${server.name}?`}
      isOpen={isOpen}
      onClose={onClose}
      act="Delete MCP server"
      busyAct="Deleting MCP server…"
      isBusy={isPending}
      onConfirm={() =>
        mutate(server.id, { onSuccess: () => navigate({ to: "/settings/mcp-servers" }) })
      }
    >
      <p>
        Its token is destroyed, and what you approved of its tools is forgotten. Agent types that
        name it have to be changed before their agents can start again.
      </p>
      <FailureNotice failure={error} />
    </ConfirmDialog>
  );
}
