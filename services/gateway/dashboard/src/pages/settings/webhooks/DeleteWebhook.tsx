import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { deleteWebhook, type Webhook } from "~/api/queries/webhooks";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { FailureNotice } from "~/components/FailureNotice";
import { count } from "~/format/count";

interface DeleteWebhookProps {
  webhook: Webhook;
  isOpen: boolean;
  onClose: () => void;
}

/** Deletion, with what it takes with it. */
export function DeleteWebhook({ webhook, isOpen, onClose }: DeleteWebhookProps) {
  const { mutate, error, isPending } = useMutation(deleteWebhook);
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      title={`Delete ${webhook.name}?`}
      isOpen={isOpen}
      onClose={onClose}
      act="Delete webhook"
      busyAct="Deleting webhook…"
      isBusy={isPending}
      onConfirm={() =>
        mutate(webhook.id, { onSuccess: () => navigate({ to: "/settings/webhooks" }) })
      }
    >
      <p>
        Its URL and signing secret are destroyed and cannot be brought back, and so is the list of
        its deliveries, of which {count(webhook.waiting)} wait to be made.
      </p>
      <FailureNotice failure={error} />
    </ConfirmDialog>
  );
}
