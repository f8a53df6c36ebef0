import { describe, expect, test } from "vitest";
import { namedBuckets } from "./axis";
import { columns } from "./columns";
import { lines } from "./lines";
import { ranking } from "./ranking";
import { ticks } from "./ticks";

describe("ticks", () => {
  test.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 25, 50, 75, 100]],
    [0.03, [0, 0.01, 0.02, 0.03]],
  ])("up to %s are round", (highest, expected) => {
    expect(ticks([highest])).toEqual(expected);
  });
  test("of milliseconds are whole where one would round them", () => {
    expect(ticks([9.3, 4.1])).toEqual([0, 5, 10]);
  });
  test("always reach the highest value", () => {
    for (const highest of [1, 13, 99, 101, 12345, 0.00042])
      expect(ticks([highest]).at(-1)).toBeGreaterThanOrEqual(highest);
  });
});

describe("columns", () => {
  test("stack their parts without a gap between them", () => {
    const chart = columns([
      { name: "input", values: [1, 2] },
      { name: "output", values: [3, 2] },
    ]);

    const [first] = chart.columns;

    expect(chart.highest).toBe(4);
    expect(first?.parts).toEqual([
      { series: 0, value: 1, from: 0, height: 0.25 },
      { series: 1, value: 3, from: 0.25, height: 0.75 },
    ]);
  });
  test("tell what is unknown from a true 0", () => {
    const chart = columns([{ name: "calls", values: [null, 0, 5] }]);

    expect(chart.columns.map((column) => column.total)).toEqual([null, 0, 5]);
  });
  test("of nothing are an empty chart", () => {
    expect(columns([]).columns).toEqual([]);
  });
});

describe("lines", () => {
  test("break where nothing is known", () => {
    const chart = lines([{ name: "p95", values: [1, 2, null, 4] }]);

    const [runs] = chart.lines;

    expect(runs?.map((run) => run.map((point) => point.bucket))).toEqual([[0, 1], [3]]);
  });
});

describe("ranking", () => {
  const entries = Array.from({ length: 12 }, (_, at) => ({
    key: `${at}`,
    name: `agent ${at}`,
    value: at + 1,
  }));
  test("is sorted, with shares of the whole", () => {
    const { rows } = ranking(entries);

    expect(rows[0]).toMatchObject({ name: "agent 11", value: 12, length: 1 });
    expect(rows[0]?.share).toBeCloseTo(12 / 78);
  });
  test("tells what it leaves out", () => {
    expect(ranking(entries).others).toEqual({ count: 2, value: 3, share: 3 / 78 });
    expect(ranking(entries, 20).others).toBeNull();
  });
});

describe("an axis", () => {
  test("names what it has room for, evenly", () => {
    const hours = Array.from({ length: 25 }, (_, hour) => `${hour}`);

    expect(namedBuckets(hours).map(({ name }) => name)).toEqual(["2", "7", "12", "17", "22"]);
  });
  test("names every bucket of a few, each beneath its middle", () => {
    expect(namedBuckets(["a", "b"])).toEqual([
      { name: "a", share: 0.25 },
      { name: "b", share: 0.75 },
    ]);
  });
});
