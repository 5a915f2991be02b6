/** Attention of TensorFlow.js' own operations, for backends without a kernel for it: in pieces that fit into memory. */
import * as tf from '@tensorflow/tfjs-core';
import { attentionPiece } from './attention-piece';
import { differentiable } from './differentiable';

export interface AttentionSize {
  readonly batch: number;
  readonly heads: number;
}

/**
 * softmax(query keyᵀ) value, packed as `attend` has it. Scores are held a piece at a time ({@link attentionPiece}). Where there is
 * more than one piece, the gradient makes the scores again, so that memory grows with the number of tokens and not with its square.
 *
 * @param scoresAtOnce of a piece
 */
export function composedAttend(
  packed: readonly tf.Tensor2D[],
  { batch, heads }: AttentionSize,
  scoresAtOnce?: number,
): tf.Tensor2D {
  const counts = packed.length === 1 ? [3] : [1, 2];
  const channels = (packed[0] as tf.Tensor2D).shape[1] / (counts[0] as number);

  // [batch · tokens, count · channels] ⇄ count times [batch · heads, tokens, width]
  const unpack = (matrix: tf.Tensor2D, count: number): tf.Tensor3D[] => {
    const split = tf.reshape<tf.Rank.R5>(matrix, [batch, -1, count, heads, channels / heads]);
    const ordered = tf.reshape<tf.Rank.R3>(tf.transpose(split, [2, 0, 3, 1, 4]), [
      count * batch * heads,
      -1,
      channels / heads,
    ]);
    return count === 1 ? [ordered] : tf.split(ordered, count);
  };
  const pack = (parts: readonly tf.Tensor3D[]): tf.Tensor2D => {
    const count = parts.length;
    const ordered = tf.reshape<tf.Rank.R5>(join(parts), [
      count,
      batch,
      heads,
      -1,
      channels / heads,
    ]);
    return tf.reshape(tf.transpose(ordered, [1, 3, 0, 2, 4]), [-1, count * channels]);
  };

  const inputs = Object.fromEntries(packed.map((matrix, index) => [index, matrix]));
  return differentiable(inputs, () => {
    const [query, key, value] = packed.flatMap((matrix, index) =>
      unpack(matrix, counts[index] as number),
    ) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
    const { output, probabilities } = attendInPieces({ query, key, value }, scoresAtOnce);
    return {
      value: pack([output]),
      saved: [query, key, value, output, ...(probabilities ? [probabilities] : [])],
      gradients: (outputGradient, saved) => {
        const [query, key, value, output, probabilities] = saved as SavedTensors;
        const [gradient] = unpack(outputGradient as tf.Tensor2D, 1) as [tf.Tensor3D];
        const attended = { query, key, value, output, gradient, probabilities };
        // Where they fit into memory at once, the gradients of queries and keys share those of the scores.
        const scores = probabilities && scoresGradient({ ...attended, probabilities });
        const gradientsOf = (parts: readonly Part[]) => (): tf.Tensor2D =>
          pack(gradientsInPieces({ ...attended, scores }, parts, scoresAtOnce));
        return packed.length === 1
          ? { 0: gradientsOf(['query', 'key', 'value']) }
          : { 0: gradientsOf(['query']), 1: gradientsOf(['key', 'value']) };
      },
    };
  }) as tf.Tensor2D;
}

type Part = 'query' | 'key' | 'value';
/** `[heads, tokens, width]`, keys and values `[heads, contextTokens, width]`. */
type Attention = Readonly<Record<Part, tf.Tensor3D>>;
type Attended = Attention & {
  readonly output: tf.Tensor3D;
  /** Of the output, same shape. */
  readonly gradient: tf.Tensor3D;
  /** `[heads, tokens, contextTokens]` where they were kept. */
  readonly probabilities: tf.Tensor3D | undefined;
  /** The gradient of the scores, same shape, where it was made already. */
  readonly scores: tf.Tensor3D | undefined;
};
type SavedTensors = [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D, tf.Tensor3D, tf.Tensor3D | undefined];

/** @returns the probabilities as well where everything is one piece */
function attendInPieces(
  { query, key, value }: Attention,
  scoresAtOnce: number | undefined,
): { output: tf.Tensor3D; probabilities: tf.Tensor3D | undefined } {
  const pieces = piecesOf(query, key, scoresAtOnce);
  if (pieces.length === 1) {
    const probabilities = probabilitiesOf(query, key);
    return { output: tf.matMul<tf.Tensor3D>(probabilities, value), probabilities };
  }
  const outputs = pieces.map((piece) =>
    tf.tidy(() =>
      tf.matMul<tf.Tensor3D>(
        probabilitiesOf(queriesOf(query, piece), headsOf(key, piece)),
        headsOf(value, piece),
      ),
    ),
  );
  return { output: joinPieces(outputs, query.shape), probabilities: undefined };
}

/** The gradients of some of query, key and value, in the order asked for. */
function gradientsInPieces(
  whole: Attended,
  parts: readonly Part[],
  scoresAtOnce: number | undefined,
): tf.Tensor3D[] {
  const { query, key, value, output, gradient } = whole;
  const pieces = piecesOf(query, key, scoresAtOnce);
  if (pieces.length === 1) return pieceGradients(whole, parts);
  const found = new Map(parts.map((part) => [part, [] as tf.Tensor3D[]]));
  for (const piece of pieces) {
    const gradients = tf.tidy(() =>
      pieceGradients(
        {
          query: queriesOf(query, piece),
          key: headsOf(key, piece),
          value: headsOf(value, piece),
          output: queriesOf(output, piece),
          gradient: queriesOf(gradient, piece),
          probabilities: undefined,
          scores: undefined,
        },
        parts,
      ),
    );
    parts.forEach((part, index) => {
      const list = found.get(part) as tf.Tensor3D[];
      const next = gradients[index] as tf.Tensor3D;
      // A head's pieces share its keys and values: their gradients add up.
      const before = part === 'query' || piece.queries.start === 0 ? undefined : list.pop();
      list.push(before === undefined ? next : addAndFree(before, next));
    });
  }
  return parts.map((part) => joinPieces(found.get(part) as tf.Tensor3D[], whole[part].shape));
}

function pieceGradients(
  { query, key, value, output, gradient, probabilities: kept, scores: made }: Attended,
  parts: readonly Part[],
): tf.Tensor3D[] {
  const probabilities = kept ?? probabilitiesOf(query, key);
  const scores =
    made ??
    (parts.some((part) => part !== 'value')
      ? scoresGradient({ value, output, gradient, probabilities })
      : undefined);
  return parts.map((part) => {
    switch (part) {
      case 'query':
        return tf.matMul<tf.Tensor3D>(scores as tf.Tensor3D, key);
      case 'key':
        return tf.matMul<tf.Tensor3D>(scores as tf.Tensor3D, query, true, false);
      case 'value':
        return tf.matMul<tf.Tensor3D>(probabilities, gradient, true, false);
    }
  });
}

/**
 * The softmax's gradient is p (dp − Σ p dp), and the sum over the context equals Σ do·o over the width, which is the smaller
 * tensor (Dao et al. 2022, FlashAttention, app. B.2).
 */
function scoresGradient({
  value,
  output,
  gradient,
  probabilities,
}: Pick<Attended, 'value' | 'output' | 'gradient'> & {
  readonly probabilities: tf.Tensor3D;
}): tf.Tensor3D {
  const correction: tf.Tensor3D = tf.sum(tf.mul(gradient, output), -1, true);
  const centred = tf.sub(tf.matMul<tf.Tensor3D>(gradient, value, false, true), correction);
  return tf.mul<tf.Tensor3D>(probabilities, centred);
}

function probabilitiesOf(query: tf.Tensor3D, key: tf.Tensor3D): tf.Tensor3D {
  return tf.softmax(tf.matMul<tf.Tensor3D>(query, key, false, true));
}

interface Range {
  readonly start: number;
  readonly count: number;
}

interface Piece {
  readonly heads: Range;
  readonly queries: Range;
}

/** Pieces in the order of their rows: whole heads, or one head's queries before the next head's. */
function piecesOf(
  { shape: [heads, queries] }: tf.Tensor3D,
  { shape: [, keys] }: tf.Tensor3D,
  scoresAtOnce: number | undefined,
): Piece[] {
  const piece = attentionPiece({ heads, queries, keys }, scoresAtOnce);
  return ranges(heads, piece.heads).flatMap((someHeads) =>
    ranges(queries, piece.queries).map((someQueries) => ({
      heads: someHeads,
      queries: someQueries,
    })),
  );
}

function ranges(total: number, size: number): Range[] {
  return Array.from({ length: Math.ceil(total / size) }, (_, index) => ({
    start: index * size,
    count: Math.min(size, total - index * size),
  }));
}

/** What a piece has of a tensor with a row per query. */
function queriesOf(tensor: tf.Tensor3D, { heads, queries }: Piece): tf.Tensor3D {
  return tf.slice3d(
    tensor,
    [heads.start, queries.start, 0],
    [heads.count, queries.count, tensor.shape[2]],
  );
}

/** What a piece has of a tensor with a row per key. */
function headsOf(tensor: tf.Tensor3D, { heads }: Piece): tf.Tensor3D {
  return tf.slice3d(tensor, [heads.start, 0, 0], [heads.count, tensor.shape[1], tensor.shape[2]]);
}

/** One after the other, as {@link piecesOf} has them; the pieces are freed. */
function joinPieces(pieces: readonly tf.Tensor3D[], shape: [number, number, number]): tf.Tensor3D {
  const joined = tf.tidy(() => {
    const rows = pieces.map((piece) => tf.reshape<tf.Rank.R2>(piece, [-1, shape[2]]));
    return tf.reshape<tf.Rank.R3>(join(rows), shape);
  });
  tf.dispose([...pieces]);
  return joined;
}

function join<T extends tf.Tensor>(parts: readonly T[]): T {
  return parts.length === 1 ? (parts[0] as T) : tf.concat([...parts], 0);
}

function addAndFree(first: tf.Tensor3D, second: tf.Tensor3D): tf.Tensor3D {
  const sum = tf.add<tf.Tensor3D>(first, second);
  tf.dispose([first, second]);
  return sum;
}
