/** The status codes of gRPC that this server uses. */
export const status = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export type StatusCode = (typeof status)[keyof typeof status];

/** Ends a call with a status that is not OK. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly status: StatusCode;
  /** Further trailers. A name that ends in `-bin` has bytes, which are sent as base64. */
  readonly trailers: Readonly<Record<string, string | Uint8Array>>;

  constructor(code: StatusCode, message: string, trailers: Readonly<Record<string, string | Uint8Array>> = {}) {
    super(message);
    this.status = code;
    this.trailers = trailers;
  }
}
