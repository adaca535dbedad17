import { ImageDown } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useQuery } from 'urql';

import { graphql } from '../gql';
import { Button, Failure, Loading, Note } from '../ui/parts';
import { count, many } from '../words';
import type { Loaded } from './reader';

const Html = graphql(/* GraphQL */ `
  query Html($id: ID!, $images: RemoteImages!) {
    node(id: $id) {
      __typename
      id
      ... on Interaction {
        html(images: $images) {
          html
          remoteImages
          proxiedImages
          truncated
        }
      }
    }
  }
`);

/** The images that may be shown: of a type that can only be looked at, and as the server, not the sender, names it. */
const SHOWN = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
/** Most bytes of an image, and most images, that are put into a mail. */
const MAX_BYTES = 4 << 20;
const MAX_IMAGES = 24;

/** Where this server has the images that it fetches for a reader. */
const PROXIED = `${location.origin}/images/`;

/** What the frame may do: nothing but show. The page's own policy holds in it as well. */
const POLICY = "default-src 'none'; style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
/** Mail is written for white paper, whatever the viewer prefers. */
const STYLE = 'margin:1rem;font:15px/1.5 sans-serif;color:#1c2226;background:#fff;overflow-wrap:anywhere';

/** The mail as it was meant, in a frame of its own that runs nothing, loads nothing and belongs to no origin. */
export function FormattedMail({ node }: { node: Loaded }) {
  const [wantsImages, setWantsImages] = useState(false);
  const variables = { id: node.id, images: wantsImages ? 'PROXIED' : 'BLOCKED' } as const;
  const [{ data, error, fetching }, load] = useQuery({ query: Html, variables, requestPolicy: 'cache-first' });
  const found = data?.node?.__typename === 'Interaction' ? data.node.html : undefined;
  const page = useFramed(found?.html ?? '', node.attachments);
  if (error) return <Failure error={error} onRetry={() => load({ requestPolicy: 'network-only' })} />;
  if (!data || fetching) return <Loading what="the mail as it was meant" />;
  if (!found) return <Note tone="calm">This mail is text only.</Note>;
  if (!found.html.trim()) return <Note tone="calm">Nothing of its formatting can be shown; see its text.</Note>;
  return (
    <>
      {found.remoteImages > 0 && (
        <Note
          tone="calm"
          action={
            // `null` where the server fetches no images for anyone.
            found.proxiedImages != null &&
            !wantsImages && (
              <Button small onPress={() => setWantsImages(true)}>
                <ImageDown size={14} aria-hidden /> Show images
              </Button>
            )
          }
        >
          <span className="small">{remarkOn(found.remoteImages, wantsImages ? (found.proxiedImages ?? 0) : null)}</span>
        </Note>
      )}
      {found.truncated && <p className="small soft">The mail is too large to be shown whole; this is its beginning.</p>}
      {page && <iframe key={page} className="mail-frame" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerPolicy="no-referrer" title="The mail as it was meant" srcDoc={page} />}
    </>
  );
}

/** What became of the images that a mail would load from elsewhere. */
function remarkOn(remote: number, proxied: number | null): string {
  if (proxied === null) return `${many(remote, 'image')} would have been loaded from elsewhere and told the sender that you read this. Left out.`;
  const fetched = `${many(proxied, 'image')} came through this server: the sender may learn that the mail is read, not where or by whom.`;
  return remote > proxied ? `${fetched} ${count(remote - proxied)} that can only count readers stayed out.` : fetched;
}

async function dataUrl(url: string): Promise<string | null> {
  const answer = await fetch(url);
  const kind = answer.headers.get('content-type')?.split(';')[0] ?? '';
  if (!answer.ok || !SHOWN.includes(kind)) return null;
  const blob = await answer.blob();
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(typeof reader.result === 'string' ? reader.result : null);
    reader.onerror = () => resolve(null);
    reader.readAsDataURL(blob);
  });
}

/** Where an image of a mail is fetched: it is a file that came with it, or one that this server has from elsewhere. */
function addressOf(source: string, attachments: Loaded['attachments']): string | null {
  if (source.startsWith(PROXIED)) return source;
  const file = attachments.find(({ contentId }) => contentId === decodeURIComponent(source.slice(4)));
  return file && file.sizeBytes <= MAX_BYTES ? file.url : null;
}

/**
 * The page for the frame, with its images in their places; `null` until they are there. Never that of another `html`: a frame whose
 * page is replaced while it loads may stay white.
 */
function useFramed(html: string, attachments: Loaded['attachments']): string | null {
  const [built, setBuilt] = useState<{ html: string; page: string } | null>(null);
  useEffect(() => {
    if (!html) return;
    let isWanted = true;
    const build = async () => {
      // Parsed without a browsing context: nothing in it runs or loads.
      const parsed = new DOMParser().parseFromString(html, 'text/html');
      const images = [...parsed.querySelectorAll<HTMLImageElement>(`img[src^="cid:"], img[src^="${PROXIED}"]`)].slice(0, MAX_IMAGES);
      const put = async (image: HTMLImageElement) => {
        const from = addressOf(image.getAttribute('src') ?? '', attachments);
        const shown = from && (await dataUrl(from).catch(() => null));
        if (shown) image.setAttribute('src', shown);
        else image.removeAttribute('src');
        image.setAttribute('style', 'max-width:100%;height:auto');
      };
      await Promise.all(images.map(put));
      if (!isWanted) return;
      const page =
        `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">` +
        `<meta name="referrer" content="no-referrer"></head><body dir="auto" style="${STYLE}">${parsed.body.innerHTML}</body></html>`;
      setBuilt({ html, page });
    };
    void build();
    return () => {
      isWanted = false;
    };
  }, [html, attachments]);
  return built?.html === html ? built.page : null;
}
