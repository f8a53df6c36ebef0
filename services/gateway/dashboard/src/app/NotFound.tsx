import { ButtonLink } from "~/components/ButtonLink";
import { EmptyState } from "~/components/EmptyState";
import { PageHeader } from "~/components/PageHeader";

export function NotFound() {
  return (
    <>
      <PageHeader title="No such page" />
      <EmptyState
        title="Nothing is at this address"
        action={<ButtonLink to="/">Go to the overview</ButtonLink>}
      />
    </>
  );
}
