let token: string | null = null;

/** Keep the token that each change of a session needs (`X-CSRF-Token`), in memory only. */
export function keepCsrfToken(given: string | null): void {
  token = given;
}

export function csrfHeaders(): Record<string, string> {
  return token === null ? {} : { "X-CSRF-Token": token };
}
