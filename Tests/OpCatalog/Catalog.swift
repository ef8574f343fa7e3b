/// Every operation the harness checks, by family; one list a file.
public let catalog: [OpEntry] = [
  arithmeticEntries,
  unaryEntries,
  binaryEntries,
  specialEntries,
  activationEntries,
  lossEntries,
  viewEntries,
  joiningEntries,
  creationEntries,
  reductionEntries,
  indexingEntries,
  searchingEntries,
  sortingEntries,
  normalizationEntries,
  matmulEntries,
  linearAlgebraEntries,
].flatMap { $0 }
