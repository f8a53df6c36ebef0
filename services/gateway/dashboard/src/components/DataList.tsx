import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button } from "./Button";
import { classes } from "./classes";
import styles from "./DataList.module.css";
import { useOverflow } from "./useOverflow";

export interface Column<Row> {
  name: string;
  render: (row: Row) => ReactNode;
  isNumber?: boolean;
  /** On phones, only the columns that matter stay. */
  isMinor?: boolean;
  /** Its head is read aloud and not shown: the cells say what they are. */
  isUnnamed?: boolean;
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

const DRAWN_WHOLE = 100;

/** A real table. A long one draws only what is looked at, and goes on by itself. */
export function DataList<Row>(props: DataListProps<Row>) {
  const isLong = props.rows.length > DRAWN_WHOLE;
  const box = useRef<HTMLDivElement>(null);
  const scrolled = useOverflow(box) && {
    role: "region",
    "aria-label": `${props.label}, to be scrolled`,
    tabIndex: 0,
  };
  return (
    <div ref={box} className={styles.list} {...scrolled}>
      <table
        aria-label={props.label}
        aria-rowcount={props.rows.length + 1}
        className={classes(isLong && styles.long)}
      >
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column.name} scope="col" className={styles.head} {...marks(column)}>
                <span className={classes(column.isUnnamed && "visually-hidden")}>
                  {column.name}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        {isLong ? <LongBody {...props} /> : <Body {...props} />}
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

function Body<Row>({ columns, rows, keyOf }: DataListProps<Row>) {
  return (
    <tbody>
      {rows.map((row) => (
        <tr key={keyOf(row)} className={styles.row}>
          <Cells columns={columns} row={row} />
        </tr>
      ))}
    </tbody>
  );
}

const ROW_PX = 39;
const AHEAD = 12;

/** Rows near the screen are drawn; two empty ones stand for those above and below. */
function LongBody<Row>({ columns, rows, keyOf, more, isLoadingMore }: DataListProps<Row>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const box = body.current?.getBoundingClientRect();
    if (box) setTop(box.top + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_PX,
    overscan: AHEAD,
    scrollMargin: top,
  });
  const drawn = virtual.getVirtualItems();
  const first = drawn[0];
  const last = drawn.at(-1);
  const isAtEnd = last !== undefined && last.index === rows.length - 1;
  useEffect(() => {
    if (isAtEnd && !isLoadingMore) more?.();
  }, [isAtEnd, isLoadingMore, more]);
  return (
    <tbody ref={body}>
      <Space height={first ? first.start - top : 0} columns={columns.length} />
      {drawn.map(({ index }) => {
        const row = rows[index];
        if (row === undefined) return null;
        return (
          <tr
            key={keyOf(row)}
            ref={virtual.measureElement}
            data-index={index}
            aria-rowindex={index + 2}
            className={styles.row}
          >
            <Cells columns={columns} row={row} />
          </tr>
        );
      })}
      <Space
        height={last ? virtual.getTotalSize() - (last.end - top) : 0}
        columns={columns.length}
      />
    </tbody>
  );
}

function Space({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row cannot be focused
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  );
}

function Cells<Row>({ columns, row }: { columns: Column<Row>[]; row: Row }) {
  return columns.map((column) => (
    <td key={column.name} className={styles.cell} {...marks(column)}>
      {column.render(row)}
    </td>
  ));
}

function marks<Row>(column: Column<Row>) {
  return {
    "data-number": column.isNumber || undefined,
    "data-minor": column.isMinor || undefined,
  };
}
