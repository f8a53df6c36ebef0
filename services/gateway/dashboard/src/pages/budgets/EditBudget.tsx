import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { type Budget, budgetQuery, updateBudget } from "~/api/queries/budgets";
import { useSeen } from "~/api/useSeen";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { SaveFailure } from "~/components/SaveFailure";
import { ModeSelect, WarnAt } from "./BudgetTerms";
import { amountOf, patchOf } from "./model";

/** Another amount, or what follows once it is spent; what is used stays used. */
export function EditBudget({ budget, onClose }: { budget: Budget; onClose: () => void }) {
  const { seen, reload } = useSeen(budget, (client) =>
    client.fetchQuery({ ...budgetQuery(budget.id), staleTime: 0 }),
  );
  const { mutate, error, isPending, reset } = useMutation(updateBudget);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const patch = patchOf(new FormData(event.currentTarget), seen);
    mutate({ id: seen.id, version: seen.version, patch }, { onSuccess: onClose });
  }

  return (
    <Dialog title={`Edit ${seen.name}`} isOpen onClose={onClose}>
      <Form key={seen.version} onSubmit={submit}>
        <TextField
          label="Name"
          name="name"
          required
          maxLength={100}
          defaultValue={seen.name}
          error={errors.name}
        />
        <Form.Pair>
          <TextField
            label={seen.usd === null ? "At most, in tokens" : "At most, in dollars"}
            name="amount"
            inputMode="decimal"
            required
            defaultValue={amountOf(seen)}
            error={errors.usd ?? errors.tokens}
          />
          <WarnAt percent={seen.warn_at_percent} error={errors.warn_at_percent} />
        </Form.Pair>
        <ModeSelect mode={seen.mode} error={errors.mode} />
        <SaveFailure
          failure={error ?? reload.error}
          what="budget"
          onReload={() => reload.mutate(undefined, { onSuccess: reset })}
          isReloading={reload.isPending}
        />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Saving…">
          Save changes
        </Button>
      </Form>
    </Dialog>
  );
}
