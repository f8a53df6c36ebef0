import { ApiError, explained } from "~/api/errors";
import { ButtonLink } from "./ButtonLink";
import { ExplanationNotice } from "./ExplanationNotice";
import { Loaded, type LoadedProps } from "./Loaded";
import { PageHeader } from "./PageHeader";

interface LoadedPageProps<Data> extends LoadedProps<Data> {
  /** Where others of its kind are listed, for who came to one that is not there. */
  all: { to: string; name: string };
}

/** A page about one thing, which has a title also where the thing could not be read. */
export function LoadedPage<Data>({ all, ...props }: LoadedPageProps<Data>) {
  const { query, what } = props;
  if (query.data !== undefined || !query.error) return <Loaded {...props} />;
  return (
    <>
      <PageHeader title={`${what[0]?.toUpperCase()}${what.slice(1)}`} />
      {query.error instanceof ApiError && query.error.status === 404 ? (
        <ExplanationNotice
          explanation={explained(query.error)}
          action={<ButtonLink to={all.to}>{all.name}</ButtonLink>}
        />
      ) : (
        <Loaded {...props} />
      )}
    </>
  );
}
