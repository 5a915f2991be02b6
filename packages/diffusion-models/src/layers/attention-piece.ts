/** How much of an attention is computed at once. */

/** Scores of this many (query, key) pairs are held at once, 64 MB. */
const SCORES_AT_ONCE = 2 ** 24;

export interface AttentionShape {
  /** Heads of all rows of the batch: rows × heads. */
  readonly heads: number;
  /** Tokens that ask. */
  readonly queries: number;
  /** Tokens that are asked. */
  readonly keys: number;
}

/** The largest piece: whole heads, or some of one head's queries. */
export interface AttentionPiece {
  readonly heads: number;
  readonly queries: number;
}

/**
 * The piece in which an attention is computed: all of it where its scores fit, else as many heads as fit, else as many of one
 * head's queries. Always all keys, which a softmax needs together. Pieces are as equal as whole numbers allow.
 *
 * @param scoresAtOnce (query, key) pairs to hold at most; a piece has at least one query, whatever this says
 */
export function attentionPiece(
  { heads, queries, keys }: AttentionShape,
  scoresAtOnce = SCORES_AT_ONCE,
): AttentionPiece {
  const headsAtOnce = Math.floor(scoresAtOnce / (queries * keys));
  if (headsAtOnce >= 1) return { heads: evenly(heads, headsAtOnce), queries };
  return { heads: 1, queries: evenly(queries, Math.max(1, Math.floor(scoresAtOnce / keys))) };
}

/**
 * Scores that an attention of the UNet or the autoencoder holds at once. An attention of more than this keeps none for its
 * gradient and makes them again. For estimates of memory.
 */
export function attentionScoresAtOnce(shape: AttentionShape): number {
  const piece = attentionPiece(shape);
  return piece.heads * piece.queries * shape.keys;
}

/** The largest of the fewest equal parts of `total` that are no larger than `limit`. */
function evenly(total: number, limit: number): number {
  return Math.ceil(total / Math.ceil(total / limit));
}
