import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ApiError } from "~/api/errors";
import { deleteProvider, type Provider } from "~/api/queries/providers";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { FailureNotice } from "~/components/FailureNotice";

interface DeleteProviderProps {
  provider: Provider;
  isOpen: boolean;
  onClose: () => void;
}

/** Deletion, refused by the server while agents use the provider: then it names them. */
export function DeleteProvider({ provider, isOpen, onClose }: DeleteProviderProps) {
  const { mutate, error, isPending, reset } = useMutation(deleteProvider);
  const navigate = useNavigate();
  const agents = error instanceof ApiError ? agentsIn(error) : [];

  function close() {
    reset();
    onClose();
  }

  return (
    <ConfirmDialog
      title={`Delete ${provider.name}?`}
      isOpen={isOpen}
      onClose={close}
      act="Delete provider"
      busyAct="Deleting provider…"
      isBusy={isPending}
      onConfirm={() =>
        mutate(provider.id, { onSuccess: () => navigate({ to: "/settings/providers" }) })
      }
    >
      <p>
        Its key is destroyed and cannot be brought back. Agent types that name it cannot start
        agents until they are given another.
      </p>
      <FailureNotice failure={error} />
      {agents.length > 0 && (
        <ul>
          {agents.map(({ id, name }) => (
            <li key={id}>
              <Link to="/agents/$id" params={{ id }}>
                {name}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </ConfirmDialog>
  );
}

interface Named {
  id: string;
  name: string;
}

function agentsIn({ details }: ApiError): Named[] {
  return Array.isArray(details.agents) ? (details.agents as Named[]) : [];
}
