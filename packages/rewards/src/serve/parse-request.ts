import { type ScoreRequest, scoreRequestSchema } from '../protocol/schemas';
import { HttpProblem } from './http-problem';

/**
 * @throws {HttpProblem} 400 when the body is not JSON in UTF-8, 413 when it has more images than allowed, 422 when it is
 * no request
 */
export function parseScoreRequest(body: Uint8Array, maximumImages: number): ScoreRequest {
  const parsed = scoreRequestSchema.safeParse(parseJson(body));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const where = path.length === 0 ? 'the body' : path.map(String).join('.');
    throw new HttpProblem(
      422,
      'invalid-request',
      `At ${where.slice(0, 100)}: ${message.slice(0, 200)}.`,
    );
  }
  const { images, prompts } = parsed.data;
  if (images.length > maximumImages) {
    const message = `There are ${images.length} images; expected at most ${maximumImages} in one request.`;
    throw new HttpProblem(413, 'too-many-images', message);
  }
  if (images.length !== prompts.length) {
    const message = `There are ${images.length} images and ${prompts.length} prompts; send one prompt per image.`;
    throw new HttpProblem(422, 'invalid-request', message);
  }
  return parsed.data;
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new HttpProblem(400, 'malformed-json', 'The body is not JSON in UTF-8.');
  }
}
