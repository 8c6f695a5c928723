/**
 * The gates of the document intake: what a file, a model, another system or a person said is judged here before the route
 * goes on. Their reasons are on record, and are shown to people.
 */
import { gate } from 'signalbox';
import type { EventObject } from 'xstate';

import { draftInputOf, type IntakeContext } from './context.ts';
import { type Match, matchOf, matchPicked } from './customers.ts';
import { faultsOfExtraction } from './entities.ts';
import { outputOf } from './output-of.ts';
import { faultsOfReply } from './reply-check.ts';
import type { Draft, Extraction, Found, Problem, Reading, Receipt, Registration } from './schemas.ts';

const intakeGate = gate<IntakeContext, EventObject>;

export function createGates() {
  return {
    documentThere: intakeGate('documentThere', ({ event }) => {
      const { problem } = outputOf<Reading>(event);
      return problem === null || !isNoDocument(problem) || [describeProblem(problem)];
    }),
    textThere: intakeGate(
      'textThere',
      ({ context: { problem } }) => problem === null || [describeProblem(problem)],
    ),
    registered: intakeGate('registered', ({ event }) => faultsOfRegistration(outputOf(event))),
    entitiesStand: intakeGate('entitiesStand', ({ context, event }) =>
      faultsOfExtraction(outputOf<Extraction>(event), context.pages),
    ),
    customerCertain: intakeGate('customerCertain', ({ context, event }) => [
      ...matchIn(context, outputOf(event)).reasons,
    ]),
    managerTold: intakeGate('managerTold', ({ event }) => faultsOfReceipt('notice', outputOf(event))),
    replyMayBeSaved: intakeGate('replyMayBeSaved', ({ context, event }) =>
      faultsOfReply(outputOf<Draft>(event), draftInputOf(context)),
    ),
    draftSaved: intakeGate('draftSaved', ({ event }) => faultsOfReceipt('draft', outputOf(event))),

    // A person said it.
    proposalThere: intakeGate(
      'proposalThere',
      ({ context: { proposed } }) => proposed !== null || ['There is nothing to confirm; type the values.'],
    ),
    draftThere: intakeGate(
      'draftThere',
      ({ context: { draft } }) => draft !== null || ['There is no draft to approve; write the reply.'],
    ),
  };
}

/** The customer that was found, if it is certain, or why it is not. */
export function matchIn({ picked, entities }: IntakeContext, found: Found): Match {
  return picked === null ? matchOf(found, entities) : matchPicked(found, picked);
}

export function faultsOfRegistration({ status, of, reason }: Registration): string[] {
  switch (status) {
    case 'registered':
      return [];
    case 'duplicate':
      return [`Document ${of ?? ''} brought the same file.`];
    case 'refused':
      return [reason ?? 'The register refused the document.'];
  }
}

export function faultsOfReceipt(of: 'notice' | 'draft', { status, reason }: Receipt): string[] {
  return status === 'done' ? [] : [`The ${of} was refused: ${reason ?? 'no reason was given'}`];
}

const descriptions: Readonly<Record<Problem, string>> = {
  'not-base64': 'The file did not arrive as base64.',
  empty: 'The file is empty.',
  'not-a-pdf': 'The file is not a PDF.',
  blank: 'There is nothing on any page.',
  encrypted: 'The file is locked with a password.',
  damaged: 'The file is damaged, or a part of it is missing.',
  'too-many-pages': 'The file has more pages than are read.',
  'no-text': 'The pages are pictures: there is no text to check anything against.',
};

export function describeProblem(problem: Problem): string {
  return descriptions[problem];
}

function isNoDocument(problem: Problem): boolean {
  return ['not-base64', 'empty', 'not-a-pdf', 'blank'].includes(problem);
}
