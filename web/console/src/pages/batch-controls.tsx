import { Pause, Play, RotateCcw, Undo2, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { type TypedDocumentNode, useMutation } from 'urql';

import { graphql } from '../gql';
import type { BatchFactsFragment, UndoMutation } from '../gql/graphql';
import { Dialog } from '../ui/dialog';
import { useNotify } from '../ui/notices';
import { Button, Failure, Loading, type Look, Refusals } from '../ui/parts';
import { count, SERVICE } from '../words';

const Pausing = graphql(/* GraphQL */ `
  mutation Pause($batchId: ID!) {
    done: pause(input: { batchId: $batchId }) {
      batch {
        ...BatchFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const Resuming = graphql(/* GraphQL */ `
  mutation Resume($batchId: ID!) {
    done: resume(input: { batchId: $batchId }) {
      batch {
        ...BatchFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const Cancelling = graphql(/* GraphQL */ `
  mutation Cancel($batchId: ID!) {
    done: cancel(input: { batchId: $batchId }) {
      batch {
        ...BatchFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const Redoing = graphql(/* GraphQL */ `
  mutation Redo($batchId: ID!) {
    done: redo(input: { batchId: $batchId }) {
      batch {
        ...BatchFacts
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const Undoing = graphql(/* GraphQL */ `
  mutation Undo($input: UndoInput!) {
    undo(input: $input) {
      batch {
        ...BatchFacts
      }
      counts {
        service
        removed
        restored
        kept
      }
      userErrors {
        code
        message
      }
    }
  }
`);

/** What can be done with a batch in its state, and nothing else. */
export function BatchControls({ batch }: { batch: BatchFactsFragment }) {
  const [dialog, setDialog] = useState<'undo' | 'cancel' | null>(null);
  const { state } = batch;
  const isRunning = state === 'RUNNING' || state === 'QUEUED';
  const canUndo = !['UNDOING', 'UNDONE', 'REDOING'].includes(state);
  return (
    <>
      {isRunning && (
        <Control batch={batch} document={Pausing} done="Held. Nothing is fetched until you let it go on.">
          <Pause size={15} aria-hidden /> Pause
        </Control>
      )}
      {state === 'PAUSED' && (
        <Control batch={batch} document={Resuming} done="It goes on." look="main">
          <Play size={15} aria-hidden /> Resume
        </Control>
      )}
      {(isRunning || state === 'PAUSED') && (
        <Button onPress={() => setDialog('cancel')}>
          <X size={15} aria-hidden /> Cancel
        </Button>
      )}
      {canUndo && (
        <Button look="danger" onPress={() => setDialog('undo')}>
          <Undo2 size={15} aria-hidden /> Take back …
        </Button>
      )}
      {state === 'UNDONE' && batch.redoUntil && (
        <Control batch={batch} document={Redoing} done="It comes back." look="main">
          <RotateCcw size={15} aria-hidden /> Bring it back
        </Control>
      )}
      <Dialog title="Cancel this sync" isOpen={dialog === 'cancel'} onClose={() => setDialog(null)}>
        <p>
          It stops for good. The {count(batch.counts.stored)} items stored so far stay and can be taken back later. The consent stays in force: the
          next sync brings in the rest.
        </p>
        <div className="actions">
          <Button look="quiet" onPress={() => setDialog(null)}>
            Let it run
          </Button>
          <Control batch={batch} document={Cancelling} done="Cancelled." look="danger main" onDone={() => setDialog(null)}>
            Cancel the sync
          </Control>
        </div>
      </Dialog>
      <Dialog title="Take this sync back" isOpen={dialog === 'undo'} onClose={() => setDialog(null)}>
        <Undo batch={batch} onClose={() => setDialog(null)} />
      </Dialog>
    </>
  );
}

type UndoCount = UndoMutation['undo']['counts'][number];

type Controlling = TypedDocumentNode<
  { done: { batch?: object | null; userErrors: { code: string; message: string }[] } },
  { batchId: string }
>;

interface ControlProps {
  batch: BatchFactsFragment;
  document: Controlling;
  /** What to say when it is done. */
  done: string;
  look?: Look;
  onDone?: () => void;
  children: React.ReactNode;
}

function Control({ batch, document, done, look, onDone, children }: ControlProps) {
  const [result, run] = useMutation(document);
  const notify = useNotify();
  const press = async () => {
    const { data, error } = await run({ batchId: batch.id });
    const refused = data?.done.userErrors[0]?.message ?? error?.message;
    notify(refused ?? done);
    if (!refused) onDone?.();
  };
  return (
    <Button {...(look && { look })} onPress={() => void press()} isPending={result.fetching}>
      {children}
    </Button>
  );
}

/** First what it would do, in numbers; then doing it. */
function Undo({ batch, onClose }: { batch: BatchFactsFragment; onClose: () => void }) {
  const [forecast, look] = useMutation(Undoing);
  const [result, undo] = useMutation(Undoing);
  const batchId = batch.id;
  useEffect(() => {
    void look({ input: { batchId, dryRun: true } });
  }, [look, batchId]);
  const counts = forecast.data?.undo.counts;
  const submit = async () => {
    const answer = await undo({ input: { batchId, dryRun: false } });
    if (answer.data?.undo.batch) onClose();
  };
  return (
    <>
      {!counts && !forecast.error && <Loading what="what it would do" />}
      {counts && <Forecast counts={counts} />}
      {counts && (
        <p className="soft">
          {batch.origin === 'APPROVE' ? 'The consent is withdrawn with it: nothing more comes in until you approve again. ' : ''}
          For a few days it can be brought back as it was.
        </p>
      )}
      {forecast.error && <Failure error={forecast.error} onRetry={() => void look({ input: { batchId, dryRun: true } })} />}
      {result.error && <Failure error={result.error} />}
      <Refusals errors={[...(forecast.data?.undo.userErrors ?? []), ...(result.data?.undo.userErrors ?? [])]} />
      <div className="actions">
        <Button look="quiet" onPress={onClose}>
          Leave it
        </Button>
        <Button look="danger main" isDisabled={!counts} isPending={result.fetching} onPress={() => void submit()}>
          Take it back
        </Button>
      </div>
    </>
  );
}

function Forecast({ counts }: { counts: UndoCount[] }) {
  const say = (pick: (count: UndoCount) => number) =>
    new Intl.ListFormat('en').format(
      counts.filter((each) => pick(each) > 0).map((each) => `${count(pick(each))} ${pick(each) === 1 ? SERVICE[each.service].item : SERVICE[each.service].items}`),
    );
  const removed = say((each) => each.removed);
  const restored = say((each) => each.restored);
  const kept = say((each) => each.kept);
  return (
    <ul className="forecast">
      <li>{removed ? <>Removes <b>{removed}</b> from the timeline.</> : 'Removes nothing from the timeline.'}</li>
      {restored && <li>Sets <b>{restored}</b> back to the version before.</li>}
      {kept && <li>Keeps <b>{kept}</b> that another sync brought, too, or has renewed since.</li>}
    </ul>
  );
}
