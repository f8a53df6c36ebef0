import type { ReactNode } from "react";
import { Button } from "./Button";
import styles from "./DataList.module.css";

export interface Column<Row> {
  name: string;
  render: (row: Row) => ReactNode;
  isNumber?: boolean;
  /** On phones, only the columns that matter stay. */
  isMinor?: boolean;
}

interface DataListProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  /** Loads the next page; absent when all is here. */
  more?: (() => void) | undefined;
  isLoadingMore?: boolean;
}

/** A real table, newest first, continued by "Load more". */
export function DataList<Row>(props: DataListProps<Row>) {
  return (
    <div className={styles.list}>
      <table aria-label={props.label}>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column.name} scope="col" className={styles.head} {...marks(column)}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.keyOf(row)} className={styles.row}>
              {props.columns.map((column) => (
                <td key={column.name} className={styles.cell} {...marks(column)}>
                  {column.render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {props.more && (
        <div className={styles.more}>
          <Button onClick={props.more} isBusy={props.isLoadingMore ?? false} busyLabel="Loading…">
            Load more
          </Button>
        </div>
      )}
    </div>
  );
}

function marks<Row>(column: Column<Row>) {
  return {
    "data-number": column.isNumber || undefined,
    "data-minor": column.isMinor || undefined,
  };
}
