import { useState } from 'react';
import { useMutation } from 'urql';

import { usePages } from '../api/pages';
import { graphql } from '../gql';
import type { BlocklistQuery } from '../gql/graphql';
import { useNotify } from '../ui/notices';
import { Button, Failure, Foreign, Loading, Moment, Refusals, WordsField } from '../ui/parts';

const BlocklistDocument = graphql(/* GraphQL */ `
  query Blocklist($after: String) {
    blocklist(first: 100, after: $after) {
      nodes {
        entry
        createdAt
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

export const Block = graphql(/* GraphQL */ `
  mutation BlockContacts($entries: [String!]!) {
    blockContacts(input: { entries: $entries }) {
      entries
      userErrors {
        code
        message
      }
    }
  }
`);

const Unblock = graphql(/* GraphQL */ `
  mutation UnblockContacts($entries: [String!]!) {
    unblockContacts(input: { entries: $entries }) {
      entries
      userErrors {
        code
        message
      }
    }
  }
`);

const page = (data: BlocklistQuery) => ({ rows: data.blocklist.nodes, info: data.blocklist.pageInfo });

/** Addresses and domains whose people are no contacts. */
export function Blocklist({ onChange }: { onChange: () => void }) {
  const { rows, error, isLoading, hasMore, more, reload } = usePages(BlocklistDocument, {}, page);
  const [blocked, block] = useMutation(Block);
  const [unblocked, unblock] = useMutation(Unblock);
  const [words, setWords] = useState<string[]>([]);
  const notify = useNotify();
  const refusals = [...(blocked.data?.blockContacts.userErrors ?? []), ...(unblocked.data?.unblockContacts.userErrors ?? [])];
  const failed = blocked.error ?? unblocked.error;
  const changed = (said: string) => {
    notify(said);
    reload();
    onChange();
  };
  const add = async () => {
    const { data } = await block({ entries: words });
    if (!data?.blockContacts.entries.length) return;
    setWords([]);
    changed('Blocked. Their mail stays on the timeline.');
  };
  const take = async (entry: string) => {
    const { data } = await unblock({ entries: [entry] });
    if (data?.unblockContacts.entries.length) changed(`${entry} is no longer blocked.`);
  };
  return (
    <div className="people-scroll">
      <div className="inside-scroll stack">
        <WordsField
          label="Block addresses or domains"
          help="Their people are no contacts, now and later. Their mail stays on the timeline."
          placeholder="someone@example.com, example.org"
          words={words}
          onChange={setWords}
        />
        <div className="row">
          <Button onPress={() => void add()} isDisabled={words.length === 0} isPending={blocked.fetching}>
            Block
          </Button>
        </div>
        {(error ?? failed) && <Failure error={(error ?? failed) as NonNullable<typeof failed>} />}
        <Refusals errors={refusals} />
        {!rows && isLoading && <Loading what="the blocklist" />}
        {rows?.length === 0 && <p className="soft">Nobody is blocked.</p>}
        {rows && rows.length > 0 && (
          <ul>
            {rows.map(({ entry, createdAt }) => (
              <li className="mini-row" key={entry}>
                <span aria-hidden>⦸</span>
                <span className="clip">
                  <Foreign className="strong">{entry}</Foreign>{' '}
                  <span className="small soft">
                    since <Moment at={createdAt} />
                  </span>
                </span>
                <Button small look="quiet" onPress={() => void take(entry)} aria-label={`Unblock ${entry}`}>
                  Unblock
                </Button>
              </li>
            ))}
          </ul>
        )}
        {hasMore && (
          <Button small onPress={more}>
            Show more
          </Button>
        )}
      </div>
    </div>
  );
}
