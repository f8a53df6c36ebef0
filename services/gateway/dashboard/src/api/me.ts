/** The key of the query that tells who is signed in. */
export const ME = ["me"] as const;
