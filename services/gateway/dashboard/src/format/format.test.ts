import { describe, expect, test } from "vitest";
import { compact, count, counted } from "./count";
import { duration } from "./duration";
import { cost, money, moneyMark, pricePerMillion, spent } from "./money";
import { change, rate, rateOf } from "./rate";
import { absolute, bucket, clock, relative } from "./time";

describe("counts", () => {
  test("are grouped, and exact in tables", () => {
    expect(count(1234567)).toBe("1,234,567");
  });
  test("are compact from a hundred thousand", () => {
    expect(compact(99_999)).toBe("99,999");
    expect(compact(123_456)).toBe("123.5K");
  });
  test("that nobody counted are unknown, never 0", () => {
    expect(count(null)).toBe("unknown");
    expect(compact(undefined)).toBe("unknown");
    expect(count(0)).toBe("0");
  });
  test("agree with their noun", () => {
    expect(counted(1, "call")).toBe("1 call");
    expect(counted(0, "call")).toBe("0 calls");
    expect(counted(2, "reply", "replies")).toBe("2 replies");
  });
});

describe("money", () => {
  test("the lines of a chart are told apart, however small the sums", () => {
    expect([0, 0.000002, 0.000004, 2.5, 50].map(moneyMark)).toEqual([
      "$0.00",
      "$0.000002",
      "$0.000004",
      "$2.50",
      "$50.00",
    ]);
  });

  test("shows cents from a cent on, and four places below", () => {
    expect(money(1234.5)).toBe("$1,234.50");
    expect(money(0.0031)).toBe("$0.0031");
    expect(money(0.00000002)).toBe("<\u00a0$0.0001");
    expect(money(0)).toBe("$0.00");
  });
  test("without a price says so", () => {
    expect(money(null)).toBe("Not priced");
    expect(cost(12.4, 3)).toBe("$12.40 + 3 calls without a price");
    expect(cost(null, 1)).toBe("1 call without a price");
    expect(cost(null, 0)).toBe("Nothing spent");
  });
  test("of calls that nobody could price is unknown, never 0", () => {
    expect(spent({ cost_usd: null, unpriced_calls: 3 })).toBe("–");
    expect(spent({ cost_usd: null, unpriced_calls: 0 })).toBe("$0.00");
    expect(spent({ cost_usd: 1.5, unpriced_calls: 3 })).toBe("$1.50");
  });
  test("per million tokens is what price lists say", () => {
    expect(pricePerMillion(0.15)).toBe("$0.15");
    expect(pricePerMillion(0.0375)).toBe("$0.0375");
  });
});

describe("durations", () => {
  test.each([
    [0, "0 ms"],
    [820, "820 ms"],
    [1240, "1.24 s"],
    [59_940, "59.9 s"],
    [125_000, "2 min 5 s"],
    [3_600_000, "1 h"],
    [187_200_000, "2 d 4 h"],
    [null, "–"],
  ])("%s is %s", (given, told) => {
    expect(duration(given)).toBe(told);
  });
});

describe("rates", () => {
  test("stand beside their counts", () => {
    expect(rateOf(14, 1180)).toBe("1.2 % (14 of 1,180)");
  });
  test("of nothing are no rate", () => {
    expect(rate(0, 0)).toBe("–");
    expect(rateOf(0, 0)).toBe("none yet");
    expect(change(3, 0)).toBeNull();
  });
  test("change by a signed share", () => {
    expect(change(108, 100)).toBe("+8 %");
    expect(change(50, 100)).toBe("-50 %");
  });
});

describe("times", () => {
  const noon = Date.UTC(2026, 10, 22, 12, 0, 0);
  test("are relative in lists", () => {
    expect(relative(noon - 240_000, noon)).toBe("4 min. ago");
    expect(relative(noon - 2_000, noon)).toBe("just now");
    expect(relative(noon + 7_200_000, noon)).toBe("in 2 hr.");
  });
  test("name their zone in details", () => {
    expect(absolute(noon, "Europe/Berlin")).toBe("22 Nov 2026, 13:00:00 CET");
    expect(clock(noon, "Asia/Kolkata")).toBe("17:30:00");
  });
  test("name buckets by hour or day in the asked zone", () => {
    expect(bucket("2026-11-22T23:30:00Z", "day", "Europe/Berlin")).toBe("23 Nov");
    expect(bucket("2026-11-22T23:00:00Z", "hour", "UTC")).toBe("23:00");
  });
});
