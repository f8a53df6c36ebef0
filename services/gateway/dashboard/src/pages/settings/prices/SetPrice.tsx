import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { setPrice } from "~/api/queries/prices";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Select, TextField } from "~/components/inputs";
import { TYPE_NAMES } from "../providers/model";
import { priceOf } from "./model";

interface SetPriceProps {
  /** The model to begin with; empty if one is to be named. */
  model: string;
  onClose: () => void;
}

/** A price of one's own for a model, from now on. */
export function SetPrice({ model, onClose }: SetPriceProps) {
  const { mutate, error, isPending } = useMutation(setPrice);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    mutate(priceOf(new FormData(event.currentTarget), new Date()), { onSuccess: onClose });
  }

  return (
    <Dialog title="Set price" isOpen onClose={onClose}>
      <Form onSubmit={submit}>
        <Select label="Provider type" name="provider_type" error={errors.provider_type}>
          {Object.entries(TYPE_NAMES).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </Select>
        <TextField
          label="Model"
          name="model"
          required
          spellCheck={false}
          defaultValue={model}
          error={errors.model}
        />
        <Form.Pair>
          <Dollars label="Input" name="input" error={errors["usd_per_million_tokens.input"]} />
          <Dollars label="Output" name="output" error={errors["usd_per_million_tokens.output"]} />
        </Form.Pair>
        <Dollars
          label="Input from cache"
          name="cached_input"
          isOptional
          error={errors["usd_per_million_tokens.cached_input"]}
        />
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Setting price…">
          Set price
        </Button>
      </Form>
    </Dialog>
  );
}

interface DollarsProps {
  label: string;
  name: string;
  isOptional?: boolean;
  error: string | undefined;
}

function Dollars(props: DollarsProps) {
  return (
    <TextField {...props} inputMode="decimal" placeholder="2.50" help="Dollars per 1 M tokens." />
  );
}
