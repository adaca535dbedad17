import { Kind, parse, type DocumentNode } from 'graphql';

/** What is to be run: the document, where it can be read, and the name of its operation. */
interface Named {
  documentAST?: DocumentNode;
  operationName?: string | null;
}

/**
 * Reads both from the text that is sent. The editor tells those of the tab that was open before until it has looked at a tab
 * that was just opened, so a quick Run would ask for an operation that is not there, or send a query as a subscription.
 */
export function named(query: string, operationName: string | null | undefined): Named {
  let documentAST: DocumentNode;
  try {
    documentAST = parse(query);
  } catch {
    // The server says what is wrong with it.
    return { operationName };
  }
  const names = documentAST.definitions.flatMap((part) => (part.kind === Kind.OPERATION_DEFINITION ? [part.name?.value] : []));
  return { documentAST, operationName: names.length === 1 ? names[0] : operationName };
}
